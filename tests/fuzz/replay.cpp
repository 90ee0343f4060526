// SPDX-License-Identifier: BSL-1.0
// Runs a fuzz program over files, for compilers without libFuzzer: every input that was ever worth keeping, each time.
//
//     fuzz_<name> <file or directory>...

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/fuzz.hpp"

int main(int count, char** arguments) {
    namespace fs = std::filesystem;
    std::vector<fs::path> files;
    try {
        for (int i = 1; i < count; ++i) {
            if (!fs::is_directory(arguments[i])) files.emplace_back(arguments[i]);
            else
                for (auto const& entry : fs::directory_iterator{arguments[i]}) files.push_back(entry.path());
        }
    } catch (std::exception const& e) {
        std::fprintf(stderr, "%s\n", e.what());
        return 2;
    }
    std::sort(files.begin(), files.end());
    for (auto const& file : files) {
        std::ifstream in{file, std::ios::binary};
        std::vector<char> const bytes{std::istreambuf_iterator<char>{in}, {}};
        if (!in) {
            std::fprintf(stderr, "%s cannot be read\n", file.c_str());
            return 2;
        }
        std::printf("%s\n", file.c_str());
        std::fflush(stdout);  // the last one is the culprit
        LLVMFuzzerTestOneInput(reinterpret_cast<std::uint8_t const*>(bytes.data()), bytes.size());
    }
    std::printf("%zu inputs\n", files.size());
    return files.empty() ? 2 : 0;
}
