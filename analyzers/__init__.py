"""The questions researchers ask of groupfeat: figures, reports, verdicts, the command line."""
