"""What Blackcat does, written against ports: nothing here knows AWS, HTTP or a vendor's library."""
