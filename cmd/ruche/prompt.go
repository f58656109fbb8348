package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// isTerminal tells whether somebody sits there who can be asked.
func (e *env) isTerminal() bool { return e.in != nil && term.IsTerminal(int(e.in.Fd())) }

// keepTerminal remembers how the terminal is set, for the end: a program that ends while it reads a password
// would leave it without echo.
func (e *env) keepTerminal() (restore func()) {
	state, err := term.GetState(int(e.in.Fd()))
	if err != nil {
		return func() {}
	}
	return func() { _ = term.Restore(int(e.in.Fd()), state) }
}

// ask reads a line; an empty one means otherwise.
func (e *env) ask(question, otherwise string) (string, error) {
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	fmt.Fprint(e.out, question+": ")
	line, err := readLine(e.in)
	if line = strings.TrimSpace(line); line == "" {
		line = otherwise
	}
	return line, err
}

// readLine reads no byte further than the end of the line.
func readLine(f *os.File) (string, error) {
	var line strings.Builder
	b := make([]byte, 1)
	for {
		n, err := f.Read(b)
		if n == 1 && b[0] == '\n' {
			return strings.TrimSuffix(line.String(), "\r"), nil
		}
		line.Write(b[:n])
		switch {
		case errors.Is(err, io.EOF) && line.Len() > 0:
			return line.String(), nil
		case err != nil:
			return "", err
		case line.Len() > 4096:
			return "", errors.New("the line is too long")
		}
	}
}

// errMismatch is a password that was not the same twice.
var errMismatch = errors.New("the two passwords are not the same")

// askPassword reads a new password twice, without showing it.
func (e *env) askPassword(question string) (string, error) {
	read := func(q string) (string, error) {
		fmt.Fprint(e.out, q+": ")
		b, err := term.ReadPassword(int(e.in.Fd()))
		fmt.Fprintln(e.out)
		return string(b), err
	}
	first, err := read(question)
	if err != nil || first == "" {
		return "", err
	}
	second, err := read("The same again")
	if err == nil && first != second {
		err = errMismatch
	}
	return first, err
}

// passwordFromStdin reads a password that another program hands over.
func (e *env) passwordFromStdin() (string, error) {
	password, err := readLine(e.in)
	if err == nil && password == "" {
		err = errors.New("the password is empty")
	}
	if err != nil {
		return "", fmt.Errorf("password on standard input: %w", err)
	}
	return password, nil
}
