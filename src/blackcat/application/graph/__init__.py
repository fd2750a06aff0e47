"""The picture of a project: its services and resources as a graph, in Mermaid and in SVG."""
