"""Which frames of a stream are a client's retry, and which events were there before."""
