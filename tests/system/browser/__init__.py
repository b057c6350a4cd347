"""A real Chromium, without a screen, for tests of what people see."""
