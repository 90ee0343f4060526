// SPDX-License-Identifier: BSL-1.0
#include <coffer/testing/virtual_time.hpp>

int main() {
    coffer::testing::virtual_clock const clock;
    return clock.now() == clock.now() ? 0 : 1;  // it stands still until somebody moves it
}
