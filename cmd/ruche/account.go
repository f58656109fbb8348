package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"ruche/appliance"
	"ruche/appliance/control"
)

func accountCommand(e *env) *cobra.Command {
	return group("account", "Accounts, app passwords and groups",
		accountAdd(e), accountList(e),
		accountNamed(e, "remove NAME", fmt.Sprintf("End an account; its files are kept for %d days", appliance.RemovedDays), control.RemoveAccount,
			fmt.Sprintf("The account %%s is removed. For %d days account restore brings it back, then its files are deleted.", appliance.RemovedDays)),
		accountNamed(e, "restore NAME", "Bring a removed account back", control.RestoreAccount,
			"The account %s is back. Its app passwords are to be made anew."),
		accountPassword(e), accountQuota(e),
		accountDisabled(e, "disable NAME", "Let nobody in with an account for now", true),
		accountDisabled(e, "enable NAME", "Let an account in again", false),
		appPasswordAdd(e), appPasswords(e), groupCommand(e))
}

func accountAdd(e *env) *cobra.Command {
	c := &cobra.Command{
		Use: "add NAME", Short: "Make an account", Args: takes(1),
		Long: `Make an account. NAME is the login name: small letters, digits and . _ -; it never
changes. On a terminal a password is asked for; without one, only app passwords open
the account.`,
	}
	in := control.NewAccount{}
	c.Flags().BoolVar(&in.Admin, "admin", false, "the account may administer")
	c.Flags().StringVar(&in.Display, "display", "", "`name` that others see")
	quota := c.Flags().String("quota", "", "`space` for it, like 10G; 0 is unlimited")
	stdin := c.Flags().Bool("password-stdin", false, "read the password from standard input")
	c.RunE = func(c *cobra.Command, args []string) (err error) {
		in.Name = args[0]
		if *quota != "" {
			n, err := appliance.ParseSize(*quota)
			if err != nil {
				return usageError{fmt.Errorf("--quota %s: %w", *quota, err)}
			}
			in.Quota = &n
		}
		config, err := e.load(c)
		if err != nil {
			return err
		}
		if err := control.Find(config.Data); err != nil {
			return err // before a password is asked for
		}
		if in.Password, err = e.newPassword(*stdin, "Password (empty: only app passwords)"); err != nil {
			return err
		}
		return e.withStore(c, func(ctx context.Context, conn *control.Conn) error {
			a, err := control.AddAccount.Do(ctx, conn, in)
			if err != nil {
				return err
			}
			fmt.Fprintf(e.out, "The account %s is made%s. Its files are at /dav/files/%s/ of the server's address.\n"+
				"A password for a device: %s account app-password %s DEVICE%s\n", a.Name, inFolder(config), a.Name, e.program, a.Name, e.again(config))
			return nil
		})
	}
	return c
}

// inFolder names the data folder when it is not the one that everybody expects.
func inFolder(config appliance.Config) string {
	if config.Data == appliance.Default().Data {
		return ""
	}
	return " in " + absolute(config.Data)
}

// newPassword asks for a password where somebody can answer.
func (e *env) newPassword(fromStdin bool, question string) (string, error) {
	switch {
	case fromStdin:
		return e.passwordFromStdin()
	case e.isTerminal():
		return e.askPassword(question)
	}
	return "", nil
}

func accountList(e *env) *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the accounts", Args: takes(0)}
	var filter control.AccountFilter
	c.Flags().BoolVar(&filter.Removed, "removed", false, "list those that were removed")
	c.RunE = func(c *cobra.Command, _ []string) error {
		list, err := do(e, c, control.Accounts, filter)
		if err != nil {
			return err
		}
		return table(e.out, "NAME\tSHOWN AS\tUSED\tQUOTA\tVERSIONS AND TRASH\tGROUPS\tNOTES", func(row func(...string)) {
			for _, a := range list {
				row(a.Name, a.Display, size(a.Used), quota(a.Quota), size(a.Kept), strings.Join(a.Groups, " "), notes(a))
			}
		})
	}
	return c
}

func notes(a control.Account) string {
	var notes []string
	if a.Admin {
		notes = append(notes, "admin")
	}
	if a.Disabled {
		notes = append(notes, "disabled")
	}
	if !a.Removed.IsZero() {
		notes = append(notes, "removed "+day(a.Removed))
	}
	return strings.Join(notes, ", ")
}

// accountNamed is a command that takes the name of an account and says what it did.
func accountNamed(e *env, use, short string, cmd control.Command[control.Named, control.Account], done string) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: takes(1), RunE: func(c *cobra.Command, args []string) error {
		a, err := do(e, c, cmd, control.Named{Name: args[0]})
		if err == nil {
			fmt.Fprintf(e.out, done+"\n", a.Name)
		}
		return err
	}}
}

func accountPassword(e *env) *cobra.Command {
	c := &cobra.Command{Use: "password NAME", Short: "Give an account another password", Args: takes(1)}
	stdin := c.Flags().Bool("password-stdin", false, "read the password from standard input")
	c.RunE = func(c *cobra.Command, args []string) error {
		password, err := e.newPassword(*stdin, "New password")
		if err != nil {
			return err
		}
		if password == "" {
			return usageError{fmt.Errorf("no password was given: type it on a terminal, or use --password-stdin")}
		}
		if _, err := do(e, c, control.SetPassword, control.PasswordChange{Name: args[0], Password: password}); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "%s has another password. App passwords stay as they are.\n", args[0])
		return nil
	}
	return c
}

func accountQuota(e *env) *cobra.Command {
	return &cobra.Command{
		Use: "quota NAME SIZE", Short: "Bound the space of an account, like 10G; 0 is unlimited", Args: takes(2),
		RunE: func(c *cobra.Command, args []string) error {
			n, err := appliance.ParseSize(args[1])
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", args[1], err)}
			}
			a, err := do(e, c, control.SetAccount, control.AccountChange{Name: args[0], Quota: &n})
			if err == nil {
				fmt.Fprintf(e.out, "%s uses %s of %s.\n", a.Name, size(a.Used), quota(a.Quota))
			}
			return err
		},
	}
}

func accountDisabled(e *env, use, short string, disabled bool) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: takes(1), RunE: func(c *cobra.Command, args []string) error {
		_, err := do(e, c, control.SetAccount, control.AccountChange{Name: args[0], Disabled: &disabled})
		return err
	}}
}

func appPasswordAdd(e *env) *cobra.Command {
	c := &cobra.Command{
		Use: "app-password NAME LABEL", Short: "Make a password for one device or program; it is shown once", Args: takes(2),
		Long: `Make a password for one device or program of the account NAME, and print it alone on
standard output. It is shown once and kept nowhere. LABEL says which device it is for.`,
	}
	readOnly := c.Flags().Bool("read-only", false, "it may read, not change")
	c.RunE = func(c *cobra.Command, args []string) error {
		made, err := do(e, c, control.AddAppPassword, control.NewAppPassword{Name: args[0], Label: args[1], ReadOnly: *readOnly})
		if err == nil {
			_, err = fmt.Fprintln(e.out, made.Secret)
		}
		return err
	}
	return c
}

func appPasswords(e *env) *cobra.Command {
	list := &cobra.Command{
		Use: "list NAME", Short: "List the app passwords of an account", Args: takes(1),
		RunE: func(c *cobra.Command, args []string) error {
			list, err := do(e, c, control.AppPasswords, control.Named{Name: args[0]})
			if err != nil {
				return err
			}
			return table(e.out, "NUMBER\tLABEL\tMADE\tLAST USED\tNOTES", func(row func(...string)) {
				for _, p := range list {
					note := ""
					if p.ReadOnly {
						note = "read only"
					}
					row(strconv.FormatUint(p.ID, 10), p.Label, day(p.Created), day(p.LastUsed), note)
				}
			})
		},
	}
	revoke := &cobra.Command{
		Use: "revoke NAME NUMBER", Short: "End an app password at once", Args: takes(2),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := strconv.ParseUint(args[1], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("%s is no number; see %s account app-passwords list %s", args[1], e.program, args[0])}
			}
			_, err = do(e, c, control.RevokeAppPassword, control.AppPasswordOf{Name: args[0], ID: id})
			return err
		},
	}
	return group("app-passwords", "List and end app passwords", list, revoke)
}
