"""Makes pages of documents that also read well where they lie: links to other files of the project lead to their page or to the
repository, blocks of code in several languages become tabs, and remarks to the tests are left out."""

import os
import re

from mkdocs.structure.files import File

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Documents outside of docs/ that are pages too, and where.
PAGES = {
    "SECURITY.md": "project/security.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "RELEASING.md": "project/releasing.md",
    "npm/node/README.md": "packages/node.md",
    "npm/client/README.md": "packages/client.md",
    "npm/react/README.md": "packages/react.md",
}
SOURCES = {page: source for source, page in PAGES.items()}

LANGUAGES = {"js": "Node", "ts": "TypeScript", "jsx": "React", "rust": "Rust", "c": "C", "sh": "Shell"}

FENCE = re.compile(r"^```(\w*)\n.*?^```$", re.MULTILINE | re.DOTALL)
REMARK = re.compile(
    r"^[ ]*<!-- (?:hidden |not run: |new program|in a browser|needs: |generated: |end |sign-in |reuse |damage |fresh |new-database |Written by ).*?-->\n?",
    re.MULTILINE | re.DOTALL,
)
LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def on_files(files, config):
    for source, page in PAGES.items():
        path = os.path.join(ROOT, source)
        files.append(File.generated(config, page, abs_src_path=path))
    css = os.path.join(ROOT, ".ci", "site", "site.css")
    files.append(File.generated(config, "assets/site.css", abs_src_path=css))
    return files


def on_page_markdown(markdown, page, config, files):
    here = page.file.src_uri
    source = SOURCES.get(here, "docs/" + here)
    parts = re.split(r"(^[ ]*```.*?^[ ]*```$)", REMARK.sub("", markdown), flags=re.MULTILINE | re.DOTALL)
    # Every second part is a block of code, in which nothing is a link.
    linked = [part if index % 2 else relink(part, source, here, config) for index, part in enumerate(parts)]
    return tabs("".join(linked))


def relink(text, source, here, config):
    """Links between files of the project, from the place of the page."""

    def target(match):
        # Packages link to the repository, because they are read elsewhere, too.
        link = match.group(2)
        top = f"{config['extra']['repository']}/blob/main/"
        from_top = link.startswith(top)
        link = link.removeprefix(top)
        if "://" in link or link.startswith(("#", "mailto:")):
            return match.group(0)
        path, mark, anchor = link.partition("#")
        named = os.path.normpath(path if from_top else os.path.join(os.path.dirname(source), path)).replace(os.sep, "/")
        page = PAGES.get(named) or (named[len("docs/") :] if named.startswith("docs/") else None)
        if page:
            to = os.path.relpath(page, os.path.dirname(here) or ".").replace(os.sep, "/")
        else:
            kind = "tree" if os.path.isdir(os.path.join(ROOT, named)) else "blob"
            to = f"{config['extra']['repository']}/{kind}/main/{named}"
        return match.group(1) + to + mark + anchor + match.group(3)

    return LINK.sub(target, text)


def tabs(text):
    """Blocks in different languages with nothing between them become one choice."""
    found = [match for match in FENCE.finditer(text) if match.group(1) in LANGUAGES]
    groups, last = [], None
    for match in found:
        language = match.group(1)
        follows = last is not None and text[last.end() : match.start()].strip() == ""
        if follows and language not in [one.group(1) for one in groups[-1]]:
            groups[-1].append(match)
        else:
            groups.append([match])
        last = match
    for group in reversed([group for group in groups if len(group) > 1]):
        written = ""
        for match in group:
            block = "".join(f"    {line}\n" if line else "\n" for line in match.group(0).split("\n"))
            written += f'=== "{LANGUAGES[match.group(1)]}"\n\n{block}\n'
        text = text[: group[0].start()] + written + text[group[-1].end() :]
    return text
