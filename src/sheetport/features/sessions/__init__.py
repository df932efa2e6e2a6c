"""What is known of people's sign-ins beside their credential: from where, by which program, how and when proved."""
