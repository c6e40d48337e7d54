#!/bin/sh
# A package that is installed in staging starts nothing: there is no machine that it would run on.
exit 101
