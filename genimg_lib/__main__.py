from genimg_lib.cli import main

raise SystemExit(main())
