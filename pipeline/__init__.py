"""The open record of torture complaints in Tajikistan: from printed sentences to a citable data package."""
