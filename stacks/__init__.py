"""What is rebuilt: the Pulumi components of an ERP's equivalent environment."""
