// Precompiled for every unit test: what the layers use, and Catch2, which takes longest.
#pragma once
#include <pch.hpp>

#include "catch.hpp"
