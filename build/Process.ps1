# What the other build scripts need to run programs and to talk.

$Root = [IO.Path]::GetDirectoryName($PSScriptRoot)

function Say([string] $Text) {
    $Host.UI.WriteLine("== $Text")
}

# A program on the terminal itself, so that its progress and its questions reach the person; returns its exit code.
# Ctrl-C reaches it by itself; a signal to this process alone is passed on, and its clean-up awaited.
function Invoke-OnTerminal([string] $Program, [string[]] $Words) {
    $process = [Diagnostics.Process]::Start([Diagnostics.ProcessStartInfo]::new($Program, $Words))
    try {
        while (-not $process.WaitForExit(200)) { } # in short turns: the engine stops this script only between two statements
    }
    finally {
        if (-not $process.HasExited) {
            if (-not $IsWindows) { [Diagnostics.Process]::Start('kill', "-TERM $($process.Id)").WaitForExit() }
            $process.WaitForExit()
        }
    }
    $process.ExitCode
}

# Its output goes past the caller, who may be collecting a result.
function Invoke-Dotnet {
    $code = Invoke-OnTerminal (Find-Program dotnet) $args
    if ($code -ne 0) { throw "'dotnet $args' failed with exit code $code." }
}

# Ends the compiler server of this name, and no other one: a program of the SDK, known by its argument. Elsewhere than on Linux it ends by itself
# when it has been idle for ten minutes.
function Stop-CompilerServer([string] $Name) {
    if (-not $IsLinux) { return }
    foreach ($folder in [IO.Directory]::GetDirectories('/proc')) {
        $id = 0
        if (-not [int]::TryParse([IO.Path]::GetFileName($folder), [ref] $id)) { continue }
        try { $words = [IO.File]::ReadAllText("$folder/cmdline").Split([char] 0) } catch { continue } # it has ended, or is another user's
        if ($words -ccontains "-pipename:$Name") { [Diagnostics.Process]::Start('kill', "-TERM $id").WaitForExit() }
    }
}

# The module is only ever loaded in a child: a process that has loaded it would go on running old code after the next build.
function Invoke-ChildShell {
    $self = [Environment]::ProcessPath
    $words = @('-NoProfile') + $args.ForEach{ $_ -is [bool] ? "`$$_" : "$_" }
    if ([IO.Path]::GetFileNameWithoutExtension($self) -eq 'dotnet') {
        $words = @([Reflection.Assembly]::GetEntryAssembly().Location) + $words
    }
    Invoke-OnTerminal $self $words
}

function Find-Program([string] $Name) {
    (Get-Command $Name -CommandType Application -TotalCount 1 -ErrorAction Ignore).Source
}
