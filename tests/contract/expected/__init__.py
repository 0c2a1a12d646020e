"""What is expected of a server, as rows of data; docs/k3s-contract.md says the same in words."""

from tests.contract.expected import certificates, files, flags, life, network, objects

ROWS = [
    *flags.ROWS,
    *files.ROWS,
    *certificates.ROWS,
    *network.ROWS,
    *objects.ROWS,
    *life.ROWS,
]
