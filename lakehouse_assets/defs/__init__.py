"""When and in what order: one module a hop, the sensor that watches for arrivals, and the resources they use."""
