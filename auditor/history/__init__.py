"""What a site remembers from night to night: claim lines, findings, waivers."""
