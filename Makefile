# Two commands are enough: make course, make test. All of them set up .venv by themselves, once.
# Without make: `python -m venv .venv`, then what .venv/ready does, then `genimg course` and so on.
PYTHON ?= python3
PROFILE ?= quick
RUN = .venv/bin/python -m genimg_lib

.PHONY: course test lab book here clean

course: here                   ## run every notebook, end with a table
	$(RUN) course --profile $(PROFILE)

test: here                     ## all tests, every notebook among them
	$(RUN) test

lab: here                      ## JupyterLab at the first notebook
	$(RUN) lab $(LAB)

book: here                     ## the course as a site, in out/book
	$(RUN) book

here: .venv/ready              # a clone that was moved takes its .venv's addresses along
	@test ! -s .venv/ready || grep -qxF '$(CURDIR)' .venv/ready || { echo "this clone was moved: rm -rf .venv, then once more" >&2; exit 1; }

clean:
	rm -rf .venv out

.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "genimg needs Python 3.11 or newer; here is %s. Try: make PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[test,teach,book]'
	@echo '$(CURDIR)' > $@
