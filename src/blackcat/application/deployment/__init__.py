"""From a registry to the files that deploy it: what there is to deploy, and how edits of files are kept."""
