// Precompiled for every unit test: what the layers use, and Catch2, which takes longest.
#pragma once
#include "../../runtime/pch.hpp"
#include "catch.hpp"
