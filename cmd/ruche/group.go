package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"ruche/appliance"
	"ruche/appliance/control"
)

func groupCommand(e *env) *cobra.Command {
	return group("group", "Groups and their shared folders", groupAdd(e), groupList(e), groupRemove(e), groupJoin(e), groupLeave(e),
		group("folder", "Shared folders, which stand in the files of every member of the group",
			folderAdd(e),
			folderNamed(e, "remove GROUP FOLDER", fmt.Sprintf("Take a folder away from everybody; its files are kept for %d days", appliance.RemovedDays), control.RemoveFolder),
			folderNamed(e, "restore GROUP FOLDER", "Bring a removed folder back", control.RestoreFolder),
			folderQuota(e)))
}

func groupAdd(e *env) *cobra.Command {
	c := &cobra.Command{Use: "add NAME", Short: "Make a group", Args: takes(1)}
	display := c.Flags().String("display", "", "`name` that others see")
	c.RunE = func(c *cobra.Command, args []string) error {
		_, err := do(e, c, control.AddGroup, control.NewGroup{Name: args[0], Display: *display})
		return err
	}
	return c
}

func groupList(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List groups, members and folders", Args: takes(0),
		RunE: func(c *cobra.Command, _ []string) error {
			list, err := do(e, c, control.Groups, control.Nothing{})
			if err != nil {
				return err
			}
			return table(e.out, "NAME\tSHOWN AS\tMEMBERS\tFOLDERS", func(row func(...string)) {
				for _, g := range list {
					row(g.Name, g.Display, strings.Join(members(g), ", "), strings.Join(folders(g), ", "))
				}
			})
		},
	}
}

func members(g control.Group) (list []string) {
	for _, m := range g.Members {
		list = append(list, m.Name+" ("+m.Role+")")
	}
	return list
}

func folders(g control.Group) (list []string) {
	for _, f := range g.Folders {
		note := size(f.Used) + " of " + quota(f.Quota)
		if f.Removed {
			note = "removed, " + size(f.Used)
		}
		list = append(list, f.Name+" ("+note+")")
	}
	return list
}

func groupRemove(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "remove NAME", Short: "Delete a group that has no folders", Args: takes(1),
		RunE: func(c *cobra.Command, args []string) error {
			_, err := do(e, c, control.RemoveGroup, control.Named{Name: args[0]})
			return err
		},
	}
}

func groupJoin(e *env) *cobra.Command {
	c := &cobra.Command{Use: "join NAME MEMBER", Short: "Put an account into a group, or change its role there", Args: takes(2)}
	role := c.Flags().String("role", "write", "read, write or manage")
	c.RunE = func(c *cobra.Command, args []string) error {
		_, err := do(e, c, control.Join, control.Joining{Group: args[0], Name: args[1], Role: *role})
		return err
	}
	return c
}

func groupLeave(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "leave NAME MEMBER", Short: "Take an account out of a group; the folders stay with the group", Args: takes(2),
		RunE: func(c *cobra.Command, args []string) error {
			_, err := do(e, c, control.Leave, control.Joining{Group: args[0], Name: args[1]})
			return err
		},
	}
}

func folderAdd(e *env) *cobra.Command {
	c := &cobra.Command{Use: "add GROUP FOLDER", Short: "Make a shared folder", Args: takes(2)}
	limit := c.Flags().String("quota", "0", "`space` for it, like 10G; 0 is unlimited")
	c.RunE = func(c *cobra.Command, args []string) error {
		n, err := appliance.ParseSize(*limit)
		if err != nil {
			return usageError{fmt.Errorf("--quota %s: %w", *limit, err)}
		}
		_, err = do(e, c, control.AddFolder, control.FolderOf{Group: args[0], Name: args[1], Quota: n})
		return err
	}
	return c
}

func folderNamed(e *env, use, short string, cmd control.Command[control.FolderOf, control.Nothing]) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: takes(2), RunE: func(c *cobra.Command, args []string) error {
		_, err := do(e, c, cmd, control.FolderOf{Group: args[0], Name: args[1]})
		return err
	}}
}

func folderQuota(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "quota GROUP FOLDER SIZE", Short: "Bound the space of a folder, like 10G; 0 is unlimited", Args: takes(3),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := appliance.ParseSize(args[2])
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", args[2], err)}
			}
			_, err = do(e, c, control.SetFolder, control.FolderOf{Group: args[0], Name: args[1], Quota: n})
			return err
		},
	}
}
