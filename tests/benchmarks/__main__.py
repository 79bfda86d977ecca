"""`python -m tests.benchmarks [NAME …]`: run the named benchmarks, or all of them."""

import argparse
import importlib
import pkgutil

import tests.benchmarks


def main() -> None:
    """Run what is asked for, in the order of names."""
    names = sorted(
        module.name for module in pkgutil.iter_modules(tests.benchmarks.__path__) if module.name[0] != "_"
    )
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks", description="Print ratios against references."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*names, []], help=", ".join(names))
    for name in parser.parse_args().names or names:
        print(f"== {name}", flush=True)
        importlib.import_module(f"tests.benchmarks.{name}").run()


if __name__ == "__main__":
    main()
