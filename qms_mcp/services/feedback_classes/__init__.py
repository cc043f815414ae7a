"""What feedback is about, how it sounds, whether it speaks of harm, and who should see it next."""
