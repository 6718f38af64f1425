/* A leaky integrate-and-fire neuron with Poisson input, as a program that knows nothing of an optimiser.
 *
 *     lif WEIGHT_MV TAU_MS SEED     writes returned.json into the directory that it works in
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const double DT = 0.1, T = 10000.0, RATE = 1.0;            /* ms, ms, spikes per ms */
static const double THRESHOLD = 15.0, RESET = 0.0, REFRACTORY = 2.0; /* mV, mV, ms */

static int poisson(double mean)
{
    int n = 0;
    for (double product = drand48(), limit = exp(-mean); product > limit; product *= drand48())
        n++;
    return n;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "expected WEIGHT_MV TAU_MS SEED\n");
        return 2;
    }
    double weight = atof(argv[1]), tau = atof(argv[2]), v = 0.0, last = -1.0, free_at = 0.0;
    double sum = 0.0, squares = 0.0;
    int spikes = 0, intervals = 0;
    srand48(atol(argv[3]));
    for (double t = 0.0; t < T; t += DT) {
        v += -v * DT / tau + weight * poisson(RATE * DT);
        if (t < free_at)
            v = RESET;
        if (v < THRESHOLD)
            continue;
        v = RESET;
        free_at = t + REFRACTORY;
        if (last >= 0.0) {
            sum += t - last;
            squares += (t - last) * (t - last);
            intervals++;
        }
        last = t;
        spikes++;
    }
    double rate = 1000.0 * spikes / T;
    if (rate > 400.0) {
        printf("fires at %.0f Hz\n", rate);
        return 3; /* exit_codes in the configuration: exploded */
    }
    FILE *file = fopen("returned.json", "w");
    if (!file) {
        perror("returned.json");
        return 1;
    }
    fprintf(file, "{\"rate\": %.6f, \"cv\": ", rate);
    if (intervals > 10) {
        double mean = sum / intervals;
        fprintf(file, "%.6f}\n", sqrt(squares / intervals - mean * mean) / mean);
    } else {
        fprintf(file, "null}\n"); /* no value for this target */
    }
    return fclose(file) != 0;
}
