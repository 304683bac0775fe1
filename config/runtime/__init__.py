"""What runs the house on one machine: embedded services, process manager, assets. No Django here."""
