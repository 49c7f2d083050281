"""The classes of questions: the 63 top classes of MSC2020, and sciences beyond mathematics."""

from __future__ import annotations

MSC: dict[str, tuple[str, str]] = {
    "00": ("General mathematics", "recreational problems, tricks with numbers, several topics at once"),
    "01": ("History and biography", "who, when, how an idea came about"),
    "03": (
        "Mathematical logic and foundations",
        "propositions, quantifiers, set theory, computability, ordinals",
    ),
    "05": ("Combinatorics", "counting, arrangements, graphs, colourings, tilings, designs, pigeonhole arguments"),
    "06": ("Order, lattices, ordered structures", "partial orders, lattices, Boolean algebras"),
    "08": ("General algebraic systems", "universal algebra, operations given by axioms"),
    "11": ("Number theory", "divisibility, remainders, primes, Diophantine equations, digits, modular arithmetic"),
    "12": (
        "Field theory and polynomials",
        "roots, coefficients, factors, equations in one unknown, Galois theory",
    ),
    "13": ("Commutative algebra", "commutative rings, ideals, modules over them"),
    "14": ("Algebraic geometry", "varieties, algebraic curves, rational points by geometry"),
    "15": ("Linear and multilinear algebra", "matrices, determinants, eigenvalues, vectors, linear systems, tensors"),
    "16": ("Associative rings and algebras", "rings that need not commute, group rings"),
    "17": ("Nonassociative rings and algebras", "Lie and Jordan algebras"),
    "18": ("Category theory, homological algebra", "functors, limits, exact sequences"),
    "19": ("K-theory", "Grothendieck groups, algebraic and topological K-theory"),
    "20": ("Group theory", "finite and infinite groups, permutations as groups, representations of groups"),
    "22": ("Topological and Lie groups", "continuous groups and their representations"),
    "26": ("Real functions", "inequalities, limits, derivatives, integrals and functional equations over the reals"),
    "28": ("Measure and integration", "measures, Lebesgue integrals, Hausdorff dimension"),
    "30": ("Functions of a complex variable", "analytic functions, residues, conformal maps"),
    "31": ("Potential theory", "harmonic and subharmonic functions"),
    "32": ("Several complex variables", "analytic functions of several variables, complex manifolds"),
    "33": ("Special functions", "gamma, Bessel, hypergeometric functions, orthogonal polynomials as functions"),
    "34": ("Ordinary differential equations", "solving them, stability, boundary values"),
    "35": ("Partial differential equations", "heat, wave and Laplace equations, weak solutions"),
    "37": ("Dynamical systems and ergodic theory", "iteration of maps, fixed points, chaos, invariant measures"),
    "39": ("Difference and functional equations", "recurrences solved as equations, functional equations in general"),
    "40": ("Sequences, series, summability", "convergence of sequences and series, closed sums"),
    "41": ("Approximations and expansions", "interpolation, best approximation, asymptotic expansions"),
    "42": ("Harmonic analysis on Euclidean spaces", "Fourier series and transforms, wavelets"),
    "43": ("Abstract harmonic analysis", "Fourier analysis on groups"),
    "44": ("Integral transforms, operational calculus", "Laplace, Mellin and related transforms"),
    "45": ("Integral equations", "Fredholm and Volterra equations"),
    "46": ("Functional analysis", "Banach and Hilbert spaces, distributions, operator algebras"),
    "47": ("Operator theory", "bounded and unbounded operators, spectra"),
    "49": ("Calculus of variations and optimal control", "extremal curves, Euler-Lagrange, control problems"),
    "51": ("Geometry", "triangles, circles, quadrilaterals, solids, coordinates, loci, constructions"),
    "52": ("Convex and discrete geometry", "convex bodies, polytopes, packings, lattices of points"),
    "53": ("Differential geometry", "curvature, geodesics, manifolds with a metric"),
    "54": ("General topology", "open sets, compactness, connectedness, continuity in general spaces"),
    "55": ("Algebraic topology", "homotopy, homology, covering spaces"),
    "57": ("Manifolds and cell complexes", "knots, low-dimensional topology"),
    "58": ("Global analysis, analysis on manifolds", "index theory, spaces of maps"),
    "60": ("Probability theory and stochastic processes", "chances, expected values, random walks, Markov chains"),
    "62": ("Statistics", "estimation, tests, regression, data, designs of experiments"),
    "65": ("Numerical analysis", "errors, iteration methods, quadrature, numerical linear algebra"),
    "68": ("Computer science", "programs, algorithms, complexity, data structures, automata, networks"),
    "70": ("Mechanics of particles and systems", "motion, forces, energy and momentum of bodies, oscillations, orbits"),
    "74": ("Mechanics of deformable solids", "elasticity, strength of materials, waves in solids"),
    "76": ("Fluid mechanics", "flow, pressure, viscosity, buoyancy, aerodynamics"),
    "78": ("Optics, electromagnetic theory", "light, lenses, fields, circuits, induction"),
    "80": ("Classical thermodynamics, heat transfer", "heat, engines, gases as a whole, entropy"),
    "81": ("Quantum theory", "wave functions, spin, atoms by quantum mechanics, particles, quantum fields"),
    "82": ("Statistical mechanics, structure of matter", "ensembles, phase transitions, crystals, solid state"),
    "83": ("Relativity and gravitational theory", "special and general relativity, black holes"),
    "85": ("Astronomy and astrophysics", "stars, planets, galaxies, observation"),
    "86": ("Geophysics", "the earth's interior, oceans and atmosphere as physics"),
    "90": ("Operations research, mathematical programming", "linear and integer programs, scheduling, queues"),
    "91": ("Game theory, economics, social and behavioural sciences", "games, auctions, markets as models, finance"),
    "92": ("Biology and other natural sciences", "populations, epidemics, genetics and chemistry as mathematics"),
    "93": ("Systems theory; control", "feedback, stability of controlled systems, filters"),
    "94": ("Information and communication, circuits", "codes, entropy of sources, cryptography, Boolean circuits"),
    "97": ("Mathematics education", "elementary arithmetic, percentages, rates, ages and simple word problems"),
}

BEYOND: dict[str, tuple[str, str]] = {
    "PHY": ("Other physics", "physics that none of 70 to 86 covers"),
    "CHE": ("Chemistry", "reactions, structures, synthesis, spectra, quantities of substances"),
    "BIO": ("Biology", "cells, genes, organisms, evolution, ecology as facts and reasoning"),
    "MED": ("Medicine and health", "diseases, diagnosis, drugs, anatomy"),
    "EAR": ("Earth and geography", "climate, rocks, landscapes, maps, places"),
    "ECO": ("Economics and business", "accounts, firms, trade, policy"),
    "ENG": ("Engineering", "machines, processes, electronics, construction as practice"),
    "LAN": ("Language and reading", "passages, arguments, meaning, grammar, crosswords"),
    "LOG": ("Logic puzzles", "ordering, seating, truth and lies, analytical games"),
    "OTH": ("Other", "history, law, arts, and whatever fits nowhere else"),
}

CLASSES: dict[str, tuple[str, str]] = {**MSC, **BEYOND}


def class_title(code: str) -> str:
    """The title of a class."""
    return CLASSES[code][0]


def rubric() -> str:
    """All classes, one on a line, as a prompt lists them."""
    return "\n".join(f"{code} {title}: {what}" for code, (title, what) in CLASSES.items())
