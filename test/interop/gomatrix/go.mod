module interop/gomatrix

go 1.26.0
