"""What a k3s server is and does, asserted of the stand-in and of real servers alike."""
