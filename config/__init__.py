"""What an operator may change: settings, processes and the embedded servers."""
