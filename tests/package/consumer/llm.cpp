// SPDX-License-Identifier: BSL-1.0
#include <coffer/version.hpp>

int main() {}
