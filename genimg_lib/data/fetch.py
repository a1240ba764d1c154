"""Files from elsewhere, found or downloaded, and checked by SHA-256 on every load.

A damaged one is never used.
Looked for in this order: the folder that GENIMG_DATA names (a classroom without internet), the
cache, the mirrors. What there is, with its sizes, hashes, mirrors and licence, stands in
`data/registry.json`.
"""

import gzip
import os
import zlib
from pathlib import Path

from genimg_lib.errors import DataError
from genimg_lib.files import check_writable, digest, file_digest, read_json, shipped

# where torchvision keeps the files of the MNIST family, below the folder that it was given
ELSEWHERE = {"mnist": "MNIST/raw", "fashion_mnist": "FashionMNIST/raw"}
HASHED = 100 * 2**20  # bytes of a file that `damaged` reads to its end


def registry():
    """What can be fetched: {name: what is known of it}.

    Keys: "about", "licence", "folder", "mirrors", "instead", "files", which holds {file name:
    {"bytes", "sha256"}}.
    """
    return read_json(shipped() / "registry.json")


def cache():
    """The folder for downloads: GENIMG_CACHE, or the system's place for caches."""
    import pooch

    return Path(os.environ.get("GENIMG_CACHE") or pooch.os_cache("genimg")).expanduser().resolve()


def folders(name):
    """Where a folder of files from elsewhere may lie, in the order of looking.

    Below the one that GENIMG_DATA names, then below the cache.
    """
    given = os.environ.get("GENIMG_DATA")
    return [*([Path(given).expanduser().resolve() / name] if given else []), cache() / name]


def find(name):
    """Where the files of `name` lie on this machine: {file name: Path or None}.

    Opens and downloads nothing.
    """
    entry = _entry(name)
    places = folders(entry["folder"])
    if name in ELSEWHERE:
        places += [place / "raw" for place in places]
        above = [*places[:2], *(place.parent for place in places[:2])]
        places += [place / ELSEWHERE[name] for place in above]
    return {file: _first(places, file, facts) for file, facts in entry["files"].items()}


def _first(places, file, facts):
    """The first file of that name, or, where its content has a digest, of a name like it."""
    names = {file: None}
    if "content_sha256" in facts:  # unpacked, or with a dot in place of a dash
        plain = file.removesuffix(".gz")
        names |= dict.fromkeys((plain, file.replace("-idx", ".idx"), plain.replace("-idx", ".idx")))
    candidates = (place / name for place in places for name in names)
    return next((path for path in candidates if path.is_file()), None)


def is_sound(path, facts):
    """Has a file the right bytes, or, packed in another way, the right content?"""
    if file_digest(path) == facts["sha256"]:
        return True
    if "content_sha256" not in facts:
        return False
    content = path.read_bytes()
    try:
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, ValueError, zlib.error):
        return False
    return digest(content) == facts["content_sha256"]


def damaged(name):
    """The files of `name` on this machine whose bytes are not the right ones: [Path].

    Of files above HASHED bytes only the size is looked at.
    """
    files = _entry(name)["files"]
    found = {file: path for file, path in find(name).items() if path is not None}
    wrong = []
    for file, path in found.items():
        facts, size = files[file], path.stat().st_size
        large = facts["bytes"] > HASHED
        if (size != facts["bytes"]) if large else not is_sound(path, facts):
            wrong.append(path)
    return wrong


def here(name):
    """True if all files of `name` are on this machine, with the right sizes.

    Then loading it needs no internet. Files that are packed in another way may have any size.
    """
    files = _entry(name)["files"]
    return all(
        path is not None
        and ("content_sha256" in files[file] or path.stat().st_size == files[file]["bytes"])
        and path.stat().st_size > 0
        for file, path in find(name).items()
    )


def fetch(name, only=None, progress=True):
    """The files of `name`, each checked against its SHA-256: {file name: Path}.

    Downloads what is not here.
    only: names of the files wanted, if not all.
    Raises DataError where a file is damaged or cannot be had, ValueError for an unknown name.
    """
    entry, found, files = _entry(name), find(name), {}
    for file, facts in entry["files"].items():
        if only is not None and file not in only:
            continue
        path = found[file]
        if path is not None and is_sound(path, facts):
            files[file] = path
        elif path is None or path.is_relative_to(cache()):
            files[file] = _download(name, entry, file, progress)
        else:
            raise DataError(
                f"{path} is damaged: it has {path.stat().st_size:,} bytes and SHA-256"
                f" {file_digest(path)[:12]}..., not {facts['bytes']:,} bytes and"
                f" {facts['sha256'][:12]}.... It was not used. Put a sound copy there, or remove it"
                " so that it is downloaded"
            )
    return files


def _entry(name):
    known = registry()
    if name not in known:
        raise ValueError(f"nothing known to fetch under {name!r}; known: {', '.join(known)}")
    return known[name]


def _download(name, entry, file, progress):
    import pooch

    facts, target, tried = entry["files"][file], cache() / entry["folder"], []
    try:
        check_writable(target)
    except ValueError as error:
        raise DataError(
            f"{name} needs {file}, and the cache has no place for it: {error}; GENIMG_CACHE names"
            " another folder, GENIMG_DATA one that has the file"
        ) from None
    for mirror in entry["mirrors"]:
        try:
            loader = pooch.HTTPDownloader(progressbar=progress, timeout=20)
            return Path(
                pooch.retrieve(
                    mirror + file,
                    known_hash="sha256:" + facts["sha256"],
                    fname=file,
                    path=target,
                    downloader=loader,
                )
            )
        # a mirror can fail in as many ways as there are networks; the next one is tried
        except Exception as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            tried.append(f"  {mirror}{file}: {reason[:160]}")
    state = (
        "is damaged (it was not used)" if (target / file).is_file() else "is not on this machine"
    )
    raise DataError(
        f"{name} needs {file} ({facts['bytes'] / 1e6:.1f} MB), which {state} and could not be"
        " downloaded. Tried:\n"
        + ("\n".join(tried) or "  no address is known that has it")
        + f"\nBy hand: put the file at {target / file}, or in a folder {entry['folder']}/ below the"
        " one that GENIMG_DATA names. " + entry["instead"]
    )
