"""The models that travel with the program, and the code that trains them."""
