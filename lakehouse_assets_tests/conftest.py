"""The real parts that tests share, each started when the first test asks for it; no test measures time."""

from hypothesis import settings

settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

pytest_plugins = [
    "lakehouse_assets_tests.real_postgres",
    "lakehouse_assets_tests.real_stack",
    "lakehouse_assets_tests.spark",
]
