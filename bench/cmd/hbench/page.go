package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hawser-go/hawser/bench/internal/report"
	"github.com/hawser-go/hawser/bench/internal/result"
	"github.com/hawser-go/hawser/bench/internal/runner"
)

// page is the flags for a page with tables and plots, and the page.
type page struct {
	file, images string
	target       *report.Page
}

func (p *page) register(flags *flag.FlagSet) {
	flags.StringVar(&p.file, "doc", "", "Markdown `file` that gets the tables and the plots, between two lines of its own")
	flags.StringVar(&p.images, "images", "", "`folder` for the plots (default: images beside the file of -doc)")
}

// open finds the page, if one is wanted.
func (p *page) open() (err error) {
	if p.file == "" {
		if p.images != "" {
			return errors.New("-images is for the plots of a page; which one? (-doc FILE)")
		}
		return nil
	}
	if p.images == "" {
		p.images = filepath.Join(filepath.Dir(p.file), "images")
	}
	p.target, err = report.OpenPage(p.file)
	return err
}

// write puts the recording into the page, if one is wanted.
func (p *page) write(all result.Recording) error {
	if p.target == nil {
		return nil
	}
	link, err := filepath.Rel(filepath.Dir(p.file), p.images)
	if err != nil {
		return err
	}
	base := filepath.Base(p.file)
	d := report.Document{
		Recording: all,
		Pictures:  p.images, Link: filepath.ToSlash(link), Name: strings.TrimSuffix(base, filepath.Ext(base)),
	}
	for _, s := range runner.Scenarios() {
		d.Scenarios = append(d.Scenarios, report.Scenario{Name: s.Name, What: s.What})
	}
	files, err := d.Write(p.target)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stderr, "hbench: wrote %s and %d plots to %s\n", p.file, len(files), p.images)
	return err
}
