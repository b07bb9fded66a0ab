"""Collections that Milvus serves: the same searches, over tables of a distributed engine."""
