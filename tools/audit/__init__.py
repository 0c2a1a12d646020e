"""What is known of the dependencies, and what tools say of code, chart, image and workflows."""
