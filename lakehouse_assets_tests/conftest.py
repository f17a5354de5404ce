"""The real parts that tests share, each started when the first test asks for it."""

pytest_plugins = [
    "lakehouse_assets_tests.real_postgres",
    "lakehouse_assets_tests.real_stack",
    "lakehouse_assets_tests.spark",
]
