"""``python -m qabench.pretraining FOLDER``."""

from qabench.pretraining.pretrain import main

main()
