"""Measured history as a valid asv results folder."""
