"""The version of restorae, in one place."""

VERSION = "0.1.0"
