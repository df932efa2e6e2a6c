"""What may need somebody's attention: keys, sign-ins and rotations."""
