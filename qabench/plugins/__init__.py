"""The contract with plugins, their discovery and calling, and the scaffold of a new one."""
