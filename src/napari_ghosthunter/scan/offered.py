"""What a user can say of how a scan is opened, in words; apart from `options`, so that --help imports nothing."""

OPTION_HELP = {
    "scan_shape": "Rows x columns of probe positions, where the file does not say.",
    "dataset": "Which array, where a file holds several; the last part of its path will do.",
    "reader": "Force a reader; a wrong name lists them.",
    "skip_frames": "Patterns to leave out before the first one of the scan.",
    "flyback": "Patterns to leave out after each row of the scan, recorded while the beam went back.",
    "scan_step": "Distance of the probe positions, as in 2nm or 2x2.5nm (y x x), instead of what the file says.",
    "k_step": "Pixel size of the detector, as in 0.02/nm or 0.5mrad, instead of what the file says.",
    "detector": "Turn the patterns: flip_x, flip_y, transpose; several with commas, in this order.",
    "rows": "Open only these rows of the scan, counted from 0: 10:20 for 10 to 19.",
    "columns": "Open only these columns of the scan.",
    "beam": "Where the direct beam meets the detector, in pixels, instead of measuring it.",
    "mask": "Bad pixels and beam stop: a .npy or .tif of the detector's shape, not 0 where bad.",
}
