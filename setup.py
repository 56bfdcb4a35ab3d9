"Build the course's library; every fact comes from settings.ini."
from configparser import ConfigParser
from pathlib import Path

from setuptools import find_packages, setup

settings = ConfigParser()
settings.read(Path(__file__).parent / 'settings.ini', encoding='utf-8')
facts = settings['DEFAULT']

setup(
    name=facts['repo'],
    version=facts['version'],
    description=facts['description'],
    long_description=Path(__file__).with_name('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    author=facts['author'],
    author_email=facts['author_email'],
    keywords=facts['keywords'],
    license_expression={'apache2': 'Apache-2.0'}[facts['license']],
    python_requires=f">={facts['min_python']}",
    install_requires=facts['requirements'].split(),
    extras_require={'dev': facts['dev_requirements'].split()},
    packages=find_packages(include=[f"{facts['lib_path']}*"]),
    package_data={facts['lib_path']: ['static/*.js', 'static/*.css']},
    zip_safe=False,
)
