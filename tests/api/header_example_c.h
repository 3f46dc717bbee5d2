/* The example of mace_c.h as a function. */
#ifndef TESTS_API_HEADER_EXAMPLE_C_H_
#define TESTS_API_HEADER_EXAMPLE_C_H_

#ifdef __cplusplus
extern "C" {
#endif

/* Runs net.mace on four numbers and copies its four results. 0, or which step failed. */
int RunHeaderExampleInC(float pixels[4], float scores[4]);

#ifdef __cplusplus
}
#endif

#endif /* TESTS_API_HEADER_EXAMPLE_C_H_ */
