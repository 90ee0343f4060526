// SPDX-License-Identifier: BSL-1.0
#pragma once
// The two ways of running a benchmark program. For its one source file: this replaces `operator new`.
//
//     bench_x [--benchmark_...]   every mode under Google Benchmark
//     bench_x MODE N              MODE for N repetitions, twice; prints the allocations of the second time. Instructions are
//                                 counted from outside, by callgrind for N and for 2N: the difference is free of start-up
//
// bench/report.py does both, and sets each mode beside its bare one.

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "support/allocations.hpp"

namespace bench {

struct mode {
    std::string_view name;
    void (*run)(long repetitions);
    long at_a_time = 1000;  ///< repetitions in one iteration of Google Benchmark
    bool waits = false;  ///< for a disk: wall time instead of CPU time
};

/// The program's `main`.
inline int run(int argc, char** argv, std::span<mode const> modes) {
    if (argc == 3 && argv[1][0] != '-') {
        auto const n = std::atol(argv[2]);
        for (auto const& m : modes) {
            if (m.name != argv[1] || n < 1) continue;
            m.run(n);
            auto const before = allocations.load();
            m.run(n);
            std::printf("%.2f allocations\n",
                        static_cast<double>(allocations.load() - before) / static_cast<double>(n));
            return 0;
        }
        std::fprintf(stderr, "%s: there is no mode %s; there are:", argv[0], argv[1]);
        for (auto const& m : modes) std::fprintf(stderr, " %.*s", static_cast<int>(m.name.size()), m.name.data());
        std::fprintf(stderr, "\n");
        return 2;
    }
    for (auto const& m : modes) {
        auto const measured = [m](benchmark::State& state) {
            for (auto _ : state) m.run(m.at_a_time);
            state.SetItemsProcessed(state.iterations() * m.at_a_time);
        };
        auto* const registered = benchmark::RegisterBenchmark(std::string{m.name}.c_str(), measured);
        if (m.waits) registered->UseRealTime();
        else registered->MeasureProcessCPUTime();
    }
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

}  // namespace bench
