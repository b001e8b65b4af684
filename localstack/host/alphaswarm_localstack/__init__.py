"""What LocalStack 4.14 without Docker needs of AlphaSwarm: an executor for functions, tables, and a look into queues."""
