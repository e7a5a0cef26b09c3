"""One module per verb: parse options, call one function, render the value, return the code."""
