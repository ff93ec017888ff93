"""The stories: drill, restore, `pulumi up`, staging copies, upgrades, gc."""
