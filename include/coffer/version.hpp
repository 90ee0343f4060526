// SPDX-License-Identifier: BSL-1.0
#pragma once
// The version of coffer, for the preprocessor. CMake reads it from here: there is no second place to keep it.
//
//     #if COFFER_VERSION < 100 * 2  // before 0.2.0

/// Changes with each break of the interface, from 1.0 on.
#define COFFER_VERSION_MAJOR 0
/// Before 1.0, changes with each break of the interface.
#define COFFER_VERSION_MINOR 1
/// Changes with each release that breaks nothing and adds nothing.
#define COFFER_VERSION_PATCH 0

/// One number that compares: 1.2.3 is 1'02'03.
#define COFFER_VERSION (COFFER_VERSION_MAJOR * 10000 + COFFER_VERSION_MINOR * 100 + COFFER_VERSION_PATCH)
/// The same for people.
#define COFFER_VERSION_STRING "0.1.0"
