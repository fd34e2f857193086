/* SPDX-License-Identifier: ISC */
/*
 * inspect - keyd --check KEYFILE CERTFILE: what is wrong with a key and its certificate, for those who
 * set them up.
 */
#ifndef KEYD_INSPECT_H
#define KEYD_INSPECT_H

/*
 * One line on standard output for each thing that is wrong, "key WHAT" or "cert WHAT".  Gives EX_OK,
 * also when there was something to say, or EX_USAGE.
 */
int inspect_main(int argc, char **argv);

#endif
