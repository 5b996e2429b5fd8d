"""The home as a server of tools, by the Model Context Protocol."""
